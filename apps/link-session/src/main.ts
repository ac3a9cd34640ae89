import { startService } from '#service/start-service.js';
import { LinkSessionModule } from './link-session.module.js';

void startService(LinkSessionModule, 'link-session');
