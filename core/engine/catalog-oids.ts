/**
 * Catalogs as dependencies name them. The sources of the server fix these numbers, alike in all majors since 12 (`CATALOG(…)` in
 * src/include/catalog), and products made from it keep them (K-013). Their names would have to be asked for: in quotes no spelling reaches
 * them, and a view has no `tableoid`.
 */
export const catalogOid = {
  pg_tablespace: '1213',
  pg_type: '1247',
  pg_attribute: '1249',
  pg_proc: '1255',
  pg_class: '1259',
  pg_authid: '1260',
  pg_database: '1262',
  pg_attrdef: '2604',
  pg_constraint: '2606',
  pg_index: '2610',
  pg_language: '2612',
  pg_namespace: '2615',
  pg_operator: '2617',
  pg_rewrite: '2618',
  pg_trigger: '2620',
  pg_extension: '3079',
  pg_policy: '3256',
  pg_statistic_ext: '3381',
  pg_subscription: '6100',
  pg_publication: '6104',
  pg_publication_rel: '6106',
  pg_default_acl: '826',
} as const;
