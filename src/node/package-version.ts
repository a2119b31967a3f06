import { readFileSync } from 'node:fs';
import { packageFile } from './package-files.ts';

let known: string | undefined;

/** The version of this hartvisor, as package.json has it. */
export function packageVersion(): string {
  known ??= read();
  return known;
}

function read(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
