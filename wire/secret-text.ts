import { readFileSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';

/**
 * Text of a file that a setting names, without white space around it: a password or key that is given to a process as a
 * file. Throws `setting_invalid` with the name of the setting, never with what is in the file.
 */
export function readSettingFile(name: string, file: string): string {
  let text = '';
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw fail('setting_invalid', { name, reason: `the file ${file} cannot be read` }, cause);
  }
  if (text === '') throw fail('setting_invalid', { name, reason: `the file ${file} is empty` });
  return text;
}

/**
 * The catalog URL with the password of the file, when there is one: as a parameter, which every form of the URL may have,
 * sockets too.
 */
export function catalogUrlOf({ catalogUrl, catalogPasswordFile }: CatalogAccess): string {
  if (catalogPasswordFile === undefined) return catalogUrl;
  const password = readSettingFile('HOLDFAST_CATALOG_PASSWORD_FILE', catalogPasswordFile);
  return `${catalogUrl}${catalogUrl.includes('?') ? '&' : '?'}password=${encodeURIComponent(password)}`;
}

interface CatalogAccess {
  readonly catalogUrl: string;
  readonly catalogPasswordFile?: string | undefined;
}
