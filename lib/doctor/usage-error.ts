/** The command can't be understood. Its message repeats no argument and no text of a file: they may have a secret. */
export class UsageError {
  constructor(readonly message: string) {}
}
