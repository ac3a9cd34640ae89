/** The services that keep events and views. Their names are the first part of their subjects on the bus. */
export const services = ['key', 'connection', 'link-session', 'audit'] as const;

export type ServiceName = (typeof services)[number];

export const isService = (part: string): part is ServiceName => (services as readonly string[]).includes(part);
