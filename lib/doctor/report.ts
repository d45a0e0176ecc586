import { escaped } from '../errors/log-line.js';

/** How a line of a report is meant. */
export type Level = 'ok' | 'note' | 'warning' | 'problem';

/** A line of a report. Its text has no secret and no token. */
export interface Line {
  readonly level: Level;
  readonly text: string;
  /** The error's code, for programs. */
  readonly code?: string | undefined;
}

export interface Section {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** What the doctor found at an issuer. */
export interface Report {
  readonly issuer: string;
  readonly sections: readonly Section[];
}

/** Exit code: 0 where nothing is wrong, 1 where there is a problem. */
export function exitCodeOf(report: Report): 0 | 1 {
  return count(report, 'problem') === 0 ? 0 : 1;
}

function count({ sections }: Report, level: Level): number {
  return sections.flatMap(({ lines }) => lines).filter((line) => line.level === level).length;
}

/** The report as JSON, in ASCII. */
export function asJson(report: Report): string {
  const result = exitCodeOf(report) === 0 ? 'ok' : 'problems';
  const json = JSON.stringify({ issuer: report.issuer, result, sections: report.sections }, undefined, 2);
  return printed(json.split('\n'));
}

/** The report for people. Titles and lines may have words of strangers: none of them moves the cursor or begins a line. */
export function asText(report: Report): string {
  const sections = report.sections.flatMap(({ title, lines }) => ['', title, ...lines.map(lineOf)]);
  return printed([report.issuer, ...sections, '', summaryOf(report)]);
}

function printed(lines: readonly string[]): string {
  return lines.map(escaped).join('\n');
}

function lineOf({ level, text, code }: Line): string {
  return `  ${level.padEnd(8)} ${text}${code === undefined ? '' : ` [${code}]`}`;
}

function summaryOf(report: Report): string {
  const [problems, warnings] = [count(report, 'problem'), count(report, 'warning')];
  return problems + warnings === 0
    ? 'Nothing is wrong.'
    : `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}.`;
}

function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
