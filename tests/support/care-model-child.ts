/** One life of the care model as a process of its own: argv[2] is how many operations, argv[3] its seed. Prints what it did. */
import { runCareModel } from './run-care-model.ts';

const [, , operations = '', seed = ''] = process.argv;
process.stdout.write(JSON.stringify(await runCareModel(Number(operations), Number(seed))));
