import { operatorEvents } from './channels.js';
import type { OperatorEvent, OperatorPort } from './operator-events.js';

/** Publishes each event on its channel, and hands it on to the listener that the module has. */
export class PublishedOperator implements OperatorPort {
  constructor(private readonly listener: OperatorPort) {}

  report(event: OperatorEvent): void {
    if (operatorEvents.hasSubscribers) {
      operatorEvents.publish(event);
    }
    this.listener.report(event);
  }
}
