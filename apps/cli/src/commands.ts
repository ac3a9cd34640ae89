import type { Command } from './arguments.js';
import { auditFileCommands } from './commands/audit-files.js';
import { auditCommands } from './commands/audit.js';
import { connectionCommands } from './commands/connections.js';
import { doctorCommands } from './commands/doctor.js';
import { keyCommands } from './commands/keys.js';
import { linkCommands } from './commands/link.js';
import { operatorCommands } from './commands/operators.js';
import { projectCommands } from './commands/projects.js';
import { replayCommands } from './commands/replay.js';
import { sessionCommands } from './commands/sessions.js';
import { userCommands } from './commands/users.js';
import { vaultCommands } from './commands/vault.js';

export const commands: Command[] = [
  ...keyCommands,
  ...projectCommands,
  ...userCommands,
  ...linkCommands,
  ...sessionCommands,
  ...connectionCommands,
  ...auditFileCommands,
  ...auditCommands,
  ...vaultCommands,
  ...operatorCommands,
  ...replayCommands,
  ...doctorCommands,
];
