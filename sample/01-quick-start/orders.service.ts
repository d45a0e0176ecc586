import { Injectable } from '@nestjs/common';

export interface Order {
  readonly id: number;
  readonly item: string;
  readonly price: string;
}

/** Everybody has ordered the same two things; what they order next is theirs. */
@Injectable()
export class OrdersService {
  private readonly placed = new Map<string, Order[]>();

  of(owner: string): Order[] {
    return (
      this.placed.get(owner) ?? [
        { id: 1, item: 'A kettle', price: '39.00' },
        { id: 2, item: 'Six tea bowls', price: '54.00' },
      ]
    );
  }

  place(owner: string, item: string): Order {
    const orders = this.of(owner);
    const order = { id: orders.length + 1, item, price: '12.00' };
    this.placed.set(owner, [...orders, order]);
    return order;
  }
}
