/**
 * The normal form of a message: what is asked about, what a label is kept under and what a reward is looked up by. Messages
 * of one form get one label. Pure; a form never changes under its name, because labels are kept by it.
 */
import type { NormalForm } from '../../proto/judges.js';

/** Masks stand for a class of texts and are words that a model can read. */
const NUMBER = '#';
const ITEM = '*';

/** Nouns that name a kind of item whatever its appearance, as the game writes them. */
const KINDS = 'potion|scroll|ring|wand|amulet|spellbook|gem|stone|rock|arrow|dagger|dart|shuriken|crossbow bolt|boomerang|spear|sword|axe|mace|club|staff|whip|bow|sling|shield|helmet|helm|hat|cap|cloak|gloves|gauntlets|boots|shoes|shirt|mail|armor|robe|ration|apple|orange|pear|melon|banana|carrot|egg|corpse|tin|wafer|candy bar|cookie|pancake|lichen corpse|candle|lamp|lantern|key|pick-axe|tinning kit|tin opener|skeleton key|lock pick|sack|bag|box|chest|statue|figurine|coin|horn|flute|drum|bugle|whistle|bell|book|towel|saddle|blindfold|mirror|crystal ball|lenses|stethoscope|leash|magic marker|land mine|beartrap';

/** What may stand between the article and the kind: state, enchantment, appearance; no other noun's article, no verb (`drops`, not `glass`). */
const BEFORE = "(?:(?!(?:with|and|in|on|to|from|at|by|is|are|your|the|an?|you|it|of|here) |[a-z']*[^s]s )[a-z0-9+'#-]+ ){0,6}?";
/** What may follow it: `of fire`, `labeled FOO`, `called bar`, `named Sting`, `(being worn)`. */
const AFTER = "(?: of [a-z' ]+?(?=[.,;:!?)]|$| (?:labeled|called|named)))?(?: labeled [A-Z #]+)?(?: (?:called|named) [^.,;:!?()]+)?(?: \\([^)]*\\))?";
const ITEMS = new RegExp(`(?:\\b(?:an?|the|your|some)|${NUMBER}) ${BEFORE}(?:pair of |set of |suit of )?${BEFORE}(?:${KINDS})s?\\b${AFTER}`, 'giu');
/** The letter under which the agent carries it. */
const SLOT = /(^|[.!?] )[a-zA-Z] - /gu;

function masked(form: NormalForm, text: string): string {
  const digits = text.replace(/\d+/gu, NUMBER);
  return form === 'digits' ? digits : digits.replace(SLOT, `$1${ITEM} - `).replace(ITEMS, ITEM);
}

/** Forms of this many messages are remembered for each form; then the oldest are forgotten. */
const REMEMBERED_MAX = 100_000;
const remembered = new Map<NormalForm, Map<string, string>>();

/** @param key a message, one character for each byte (textKey); so is what comes out */
export function normalKey(form: NormalForm, key: string): string {
  if (form === 'raw') return key;
  const known = remembered.get(form) ?? new Map<string, string>();
  remembered.set(form, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = masked(form, key);
  if (known.size >= REMEMBERED_MAX) known.delete(known.keys().next().value as string);
  known.set(key, made);
  return made;
}
