import { startService } from '#service/start-service.js';
import { ConnectionModule } from './connection.module.js';

void startService(ConnectionModule, 'connection');
