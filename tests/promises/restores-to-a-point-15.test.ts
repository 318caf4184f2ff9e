import { restoresToAPoint } from './restores-to-a-point.suite.ts';

restoresToAPoint(15);
