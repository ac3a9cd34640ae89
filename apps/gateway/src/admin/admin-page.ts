import { applyDecorators, Controller, UseFilters, UseGuards } from '@nestjs/common';
import { Public } from '../endpoint.js';
import { AdminErrorFilter } from './admin-error.filter.js';
import { FormGuard } from './form.guard.js';
import { OperatorGuard } from './operator.guard.js';

/** A page of the dashboard, for those who are signed in. No API key opens it, and it is no part of the API's document. */
export const AdminPage = (path: string): ClassDecorator =>
  applyDecorators(Controller(path), Public(), UseGuards(OperatorGuard), UseFilters(AdminErrorFilter));

/** A page for somebody who is about to sign in. */
export const EntryPage = (path: string): ClassDecorator =>
  applyDecorators(Controller(path), Public(), UseGuards(FormGuard), UseFilters(AdminErrorFilter));
