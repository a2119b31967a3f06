import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A key pair for ssh. */
export interface SshKey {
  /** A private key as ssh keeps it in a file, without a passphrase. */
  readonly privateKey: string;
  /** A line for `authorized_keys`. */
  readonly publicKey: string;
}

const TYPE = 'ssh-ed25519';
const MAGIC = 'openssh-key-v1\0';
/** A private part is filled up to whole blocks of this many bytes where it is not encrypted. */
const BLOCK = 8;

/**
 * Makes a key pair (Ed25519), in the formats of OpenSSH (`PROTOCOL.key`, RFC 8709).
 *
 * @param comment - by which people know it
 */
export function makeSshKey(comment: string): SshKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const own = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const shared = Buffer.concat([field(TYPE), field(own)]);
  // The same number twice, by which a wrong passphrase would be found out.
  const check = randomBytes(4);
  const inner = Buffer.concat([
    ...[check, check, shared],
    ...[field(Buffer.concat([secret, own])), field(comment)],
  ]);
  const filling = Buffer.from(Array.from({ length: -inner.length & (BLOCK - 1) }, (_, index) => index + 1));
  const whole = Buffer.concat([
    ...[Buffer.from(MAGIC), field('none'), field('none'), field(''), number(1)],
    ...[field(shared), field(Buffer.concat([inner, filling]))],
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  const kind = 'OPENSSH PRIVATE KEY';
  return {
    privateKey: [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ''].join('\n'),
    publicKey: `${TYPE} ${shared.toString('base64')} ${comment}`,
  };
}

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
