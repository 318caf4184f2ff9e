import { testCare } from './care.ts';

testCare('local');
testCare('local encrypted');
