/** What `local` means for a host that has not said in which zone it is: the controller's own. */
export function controllerZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
