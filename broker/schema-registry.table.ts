/** Step 2: users, agents, printers, groups, codes, lists. */
export const REGISTRY_SCHEMA = "";
