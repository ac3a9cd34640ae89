import { AuditEntries1700000000001 } from './0001-audit-entries.js';
import { AuditOrigins1700000000002 } from './0002-audit-origins.js';
import { AuditChain1700000000003 } from './0003-audit-chain.js';
import { SealedLabels1700000000006 } from './0006-sealed-labels.js';
import { WrittenAt1700000000007 } from './0007-written-at.js';
import { OrderOfProjects1700000000008 } from './0008-order-of-projects.js';

/** Of the timeline's tables, beside those of every service. */
export const migrations = [
  AuditEntries1700000000001,
  AuditOrigins1700000000002,
  AuditChain1700000000003,
  SealedLabels1700000000006,
  WrittenAt1700000000007,
  OrderOfProjects1700000000008,
];
