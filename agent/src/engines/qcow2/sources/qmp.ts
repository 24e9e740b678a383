export const freezeQmp = null as never;
