// demo_folder.js FOLDER - imports the demo workspace into FOLDER: RAPPORT_DEMO_FOLDER of the tests, whose servers
// begin with a copy instead of importing it each.
import { startRapport } from './rapport.js';

delete process.env.RAPPORT_DEMO_FOLDER;
const server = await startRapport({ data: process.argv[2] });
await server.stop({ keep: true });
