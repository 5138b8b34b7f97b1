// Finds the firmware's handlers of messages by their names.
//
//     admitSuspicion(ctx, m): bool    whether a message from the air can be true; it changes
//                                     nothing
//     applySuspicion(ctx, m): void    takes it in, once every message of its frame was admitted
//     observeHealth(ctx, m): u32      takes a platform record in, or refuses it; a status code
//
// A message without admit… is admitted if it decodes. What needs the work of several modules stands
// in firmware/edge.

import { pascal } from './names.ts';
import type { Rule } from './schema.ts';
import { isOnAir } from './size.ts';

export interface Source {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** Files that define a message's handlers, without their endings; null where there is none. */
export interface Handlers {
  readonly rule: Rule;
  readonly admit: string | null;
  readonly apply: string | null;
  readonly observe: string | null;
}

const definition = /^export function ((?:admit|apply|observe)[A-Z]\w*)\(/gm;

function definitions(sources: readonly Source[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { path, text } of sources) {
    for (const [, name] of text.matchAll(definition)) {
      const other = found.get(name);
      if (other !== undefined) throw new Error(`${path} and ${other} both define ${name}`);
      found.set(name, path);
    }
  }
  return found;
}

/**
 * Whether observe() takes records of this rule: those from platform to firmware that are not for
 * boot() alone.
 */
function isObserved(rule: Rule): boolean {
  return ['observations', 'signatures', 'orders'].includes(rule.section);
}

/**
 * The handlers of every message that the firmware receives. Throws, naming the function, where one
 * is missing.
 */
export function handlersOf(rules: readonly Rule[], sources: readonly Source[]): Handlers[] {
  const found = definitions(sources);
  const pathOf = (name: string): string | null => found.get(name)?.replace(/\.ts$/, '') ?? null;
  return rules.flatMap((rule) => {
    const name = pascal(rule.name);
    const [admit, apply, observe] = ['admit', 'apply', 'observe'].map((verb) => pathOf(`${verb}${name}`));
    if (isOnAir(rule) && apply === null) throw new Error(`no firmware module exports apply${name}(ctx, m)`);
    if (isObserved(rule) && observe === null) throw new Error(`no firmware module exports observe${name}(ctx, m)`);
    return apply === null && observe === null ? [] : [{ rule, admit, apply, observe }];
  });
}
