// Who sends each message to whom: the one thing that docs/messages.md says and the schema does not.

import type { Rule } from './schema.ts';
import { isOnAir } from './size.ts';

/** On the air, by name. */
export const roles: { readonly [name: string]: string } = {
  probe: 'member → the member it tests this period',
  ack: 'tested member → prober',
  'probe-request': 'prober → a third member, when no ack came',
  heartbeat: 'member → every member that hears the frame it rides in',
  'relayed-ack': 'third member → prober',
  suspicion: 'member → every member',
  alive: 'suspected member → every member',
  join: 'member that booted → every member',
  isolation: 'member that will be silent → every member',
  'silent-list': 'member → member whose view differs',
  intent: 'owner, or any member that holds it → every member, or the one that lacks it',
  'sync-digest': 'member → member whose digest differs',
  'owner-summary': 'member → member that differs on this owner',
  since: 'member that could not hear for a while → member whose digest differs',
  notice: 'observer, or any member that holds it → every member, or the one that lacks it',
  'notice-summary': 'member → member whose digest differs',
  alarm: 'member that sees a breach coming → every member',
  'key-epoch-head': 'ground link, or any member that holds it → every member',
  'key-epoch-part': 'ground link, or any member that holds it → every member',
  statement: 'owner, or any member that holds it → every member, or the one that contradicts it',
  proof: 'any member that holds it → every member, or one whose view differs',
  'statement-request': 'member → owner',
  beacon: 'node in safe mode → every member',
  'cluster-summary': 'coordinator → other clusters, and every member of its own; it passes on foreign ones',
  'member-profile': 'member → every member',
  split: 'coordinator → every member; any member that holds it → one whose view differs',
  decision: 'coordinator → every member; any member that holds it → one whose view differs',
};

const sections: { readonly [section: string]: string } = {
  boot: 'platform → firmware',
  observations: 'platform → firmware',
  commands: 'firmware → platform',
  events: 'firmware → platform',
  upsets: 'firmware → platform',
  key_epochs: 'firmware → platform',
  equivocation: 'firmware → platform',
  mute: 'firmware → platform',
  summaries: 'firmware → platform',
  signatures: 'platform → firmware',
  orders: 'platform → firmware',
};

/** `sender → addressee` of a message. Throws for a message on the air that has no entry here. */
export function roleOf(rule: Rule): string {
  const role = isOnAir(rule) ? roles[rule.name] : sections[rule.section];
  if (role === undefined) throw new Error(`proto/gen/roles.ts does not say who sends '${rule.name}' to whom`);
  return role;
}
