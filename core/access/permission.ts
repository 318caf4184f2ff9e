import { fail } from '../errors/fail.ts';

/** Roles × permissions, the one record of who may do what (design §1, §3). */
const permissions = {
  administrator: [
    'read',
    'manage-hosts',
    'manage-resources',
    'manage-pools',
    'manage-channels',
    'run-backups',
    'run-restores',
    'rebuild-catalog',
  ],
  operator: ['read', 'manage-resources', 'run-backups', 'run-restores'],
  auditor: ['read'],
} as const satisfies Record<string, readonly string[]>;

export type Role = keyof typeof permissions;
export type Permission = (typeof permissions)['administrator'][number];

export const roles = Object.keys(permissions) as readonly Role[];
export const isRole = (text: string): text is Role => Object.hasOwn(permissions, text);
export const may = (role: Role, permission: Permission): boolean =>
  (permissions[role] as readonly Permission[]).includes(permission);

/** Throws `permission_denied` unless the role has the permission. */
export function demand(role: Role, permission: Permission): void {
  if (!may(role, permission)) throw fail('permission_denied', { role, action: permission.replace('-', ' ') });
}
