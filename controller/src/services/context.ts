import type { Store } from "../store/db.ts";

/** What every service needs; one that needs more says so in its own type. */
export type ServiceContext = { store: Store; now: () => Date };
