import { startService } from '#service/start-service.js';
import { AuditModule } from './audit.module.js';

void startService(AuditModule, 'audit');
