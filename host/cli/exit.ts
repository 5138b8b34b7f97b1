/** Exit codes of all commands. docs/commands.md has the same table. */
export const exitCode = {
  /** All went well; every check held and every SLA was kept. */
  ok: 0,
  /** The run is whole, but a check failed, an SLA was breached, or a replay differs. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** An input file (scenario, catalogue, frame, recording) is missing or wrong. */
  input: 3,
  /** The machine refused: disk full, no permission, port taken, image or engine not built. */
  environment: 4,
  /** A fault of Heliograph itself. */
  internal: 70,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/**
 * Carries a message that is shown to the user as it stands, without a stack trace, and an exit
 * code.
 */
export class CommandError extends Error {
  readonly code: ExitCode;

  constructor(message: string, code: ExitCode) {
    super(message);
    this.code = code;
  }
}

export const exitCodesHelp = `
Exit codes: 0 all checks held · 1 a check failed or an SLA was breached · 2 wrong usage
            3 wrong input file · 4 the machine refused (disk full, port taken, engine not built)
            70 a fault of heliograph itself`;
