/**
 * Catalogs as dependencies name them. The sources of the server fix these numbers (`CATALOG(…)` in src/include/catalog), and products made
 * from it keep them. Their names would have to be asked for: in quotes no spelling reaches them, and a view has no `tableoid`.
 */
export const catalogOid = {
  pg_type: '1247',
  pg_proc: '1255',
  pg_class: '1259',
  pg_authid: '1260',
  pg_database: '1262',
  pg_attrdef: '2604',
  pg_constraint: '2606',
  pg_namespace: '2615',
  pg_rewrite: '2618',
  pg_trigger: '2620',
  pg_default_acl: '826',
  pg_policy: '3256',
  pg_publication_rel: '6106',
} as const;
