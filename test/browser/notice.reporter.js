/** A jest reporter that says, after the summary, which tests this machine could not run. */
export default class BrowserNotice {
  onRunComplete() {
    process.stderr.write(
      '\nNo Chromium was found: the tests in test/browser did not run. Install one, or name it in CHROMIUM.\n',
    );
  }
}
