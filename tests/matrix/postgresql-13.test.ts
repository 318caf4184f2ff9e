import { tellPostgres } from './postgresql.ts';

tellPostgres(13);
