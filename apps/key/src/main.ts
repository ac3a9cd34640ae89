import { startService } from '#service/start-service.js';
import { KeyModule } from './key.module.js';

void startService(KeyModule, 'key');
