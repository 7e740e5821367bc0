// Imported before anything that defines a schema: the content policy of the server forbids `new Function`, which zod would try.
import * as z from 'zod';

z.config({ jitless: true });
