import { testCare } from './care.ts';

testCare('s3');
