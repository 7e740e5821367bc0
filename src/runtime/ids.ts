// Random names and secrets. Secrets carry a prefix that says what they open, and are compared in constant time.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type SecretPrefix = 'jd_' | 'jda_' | 'jds_' | 'jdl_';

/** 192 random bits: `jd_` API key, `jda_` agent secret, `jds_` session, `jdl_` one-time link. */
export function newSecret(prefix: SecretPrefix): string {
  return prefix + randomBytes(24).toString('base64url');
}

/** What is stored of a secret. The secrets are random, so one fast hash is enough. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

export function sameText(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest();
  const right = createHash('sha256').update(b).digest();
  return timingSafeEqual(left, right);
}

export function randomId(bytes = 9): string {
  return randomBytes(bytes).toString('base64url');
}

/** Six random digits. */
export function randomPin(): string {
  for (;;) {
    const number = randomBytes(4).readUInt32BE(0);
    // 4,294,000,000 is the largest multiple of a million below 2^32: no digit is likelier than another.
    if (number < 4_294_000_000) return String(number % 1_000_000).padStart(6, '0');
  }
}

/** Short common words, each an agent's `instance`. */
export const INSTANCE_WORDS = (
  'acorn amber anchor apple arch arrow ash badge baker barn basil bay beach bean bear beaver bell berry birch bird blaze bloom ' +
  'boat bolt book boot bow branch brass bread brick bridge brook broom brush bucket bud butter cabin cable cake camel canal candle ' +
  'canoe canyon cape card cargo castle cat cedar chair chalk cheese cherry chess cider circle clay cliff clock cloud clover coast ' +
  'cobalt coin comet coral corn cotton cove crane crater creek crow crown crystal cup daisy dawn deer delta desert dew dome door ' +
  'dove dragon drum duck dune eagle earth echo egg elder elm ember engine fabric falcon farm fern ferry field fig finch fire fir ' +
  'flag flame flute fog forest forge fossil fox frost galaxy garden gate gem ginger glade glass globe goat gold goose grain grape ' +
  'grass grove gull hammer harbor harp hawk hazel heath hedge helm heron hill hive honey hoof horn horse ice iris iron island ivory ' +
  'ivy jade jar jasper jay jewel juniper kelp kettle key kite lace lake lamp lark laurel leaf ledge lemon lilac lily lime linen lion ' +
  'lotus lynx magnet mango maple marble marsh meadow melon mill mint mirror moon moss moth mount mouse needle nest north nut oak oar ' +
  'oat ocean olive onion opal orbit orchid otter owl oyster palm panda paper path peach pear pearl pebble pen pepper pier pigeon pine ' +
  'pipe planet plum polar pond poppy port prism quail quartz quill rabbit raft rain raven reed reef ridge ring river robin rocket root ' +
  'rope rose ruby rye saddle saffron sage sail salmon salt sand sapling satin scarf seal seed shell ship silk silver sky slate sloop ' +
  'snow sonar spark spear spice spruce squid star steam stone stork storm straw stream sugar summit sun swan table tango teal tent thorn ' +
  'thyme tide tiger tile timber topaz torch tower trail train tulip tundra turtle valley vapor velvet vine violet wagon walnut wave wheat ' +
  'whale willow wind wing winter wolf wood wren yarn yew zebra zinc'
).split(' ');

/** `random` is 0 ≤ random < 1. */
export function pickWord(random: number): string {
  return INSTANCE_WORDS[Math.floor(random * INSTANCE_WORDS.length)]!;
}
