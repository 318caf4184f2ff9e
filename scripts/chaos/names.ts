/** Name of the database that is backed up. */
export const resource = 'source';
/** Name of the second host. */
export const elsewhere = 'elsewhere';
