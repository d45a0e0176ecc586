/** A jest reporter that says, after the summary, which tests this machine could not run. */
export default class MissingReporter {
  constructor(_config, { missing }) {
    this.missing = missing;
  }

  onRunComplete() {
    for (const { folder, what, variable } of this.missing) {
      process.stderr.write(
        `\nNo ${what} was found: the tests in ${folder} did not run. Install it, or name it in ${variable}.\n`,
      );
    }
  }
}
