/** Letters of rights on a database (PG manual "Privileges"). */
const privileges: Readonly<Record<string, string>> = { C: 'create', T: 'temporary', c: 'connect' };

/** Elements of an array as the server writes it in text: `{a,"b,c"}`. */
function elementsOf(text: string): readonly string[] {
  const found = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g);
  return [...found].map(([, inQuotes, plain]) =>
    inQuotes === undefined ? (plain ?? '') : inQuotes.replace(/\\(.)/g, '$1'),
  );
}

/**
 * Rights on a database by the text of its aclitem[]: `{=c/owner,reader=c*\/owner}`; '' is everybody. What is no right of a database is
 * passed over.
 */
export function grantsOfText(
  text: string,
): readonly { readonly role: string; readonly privilege: string; readonly isGrantable: boolean }[] {
  return elementsOf(text).flatMap((item) => {
    const [, quotedRole, plainRole, letters = ''] = /^(?:"((?:[^"]|"")*)"|([^=]*))=([A-Za-z*]*)\//.exec(item) ?? [];
    const role = quotedRole === undefined ? (plainRole ?? '') : quotedRole.replaceAll('""', '"');
    return [...letters.matchAll(/([A-Za-z])(\*?)/g)].flatMap(([, letter = '', star]) => {
      const privilege = privileges[letter];
      return privilege === undefined ? [] : [{ role, privilege, isGrantable: star === '*' }];
    });
  });
}
