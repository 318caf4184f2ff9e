import { tellPostgres } from './postgresql.ts';

tellPostgres(16);
