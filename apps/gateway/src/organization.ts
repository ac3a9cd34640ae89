/** There is one organization until projects can be given to others. */
export const organization = { id: 'org_default', name: 'default' };
