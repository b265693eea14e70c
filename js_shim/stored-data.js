/** Whether this origin has stored anything of a person, found out without a worker. */

const DATABASES = /^edge-(store|keys)/;

/** Where the browser does not tell, it may be so; where it has no databases, or lets nobody near, it is not. */
export async function hasStoredData() {
  try {
    const all = await indexedDB.databases?.();
    return !all || all.some(({ name }) => DATABASES.test(name ?? ""));
  } catch {
    return false;
  }
}
