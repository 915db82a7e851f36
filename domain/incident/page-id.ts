/** The id of what one page command sends; commands are numbered upwards within an incident. */
export function pageIdOf(incidentId: string, commandId: string): string {
  return `${incidentId}/${commandId}`;
}

/** Whether a page was commanded after the command `upTo`; false where either has no number. */
export function isLaterPage(
  page: { readonly pageId: string; readonly incidentId: string },
  upTo: string,
): boolean {
  return Number(page.pageId.slice(page.incidentId.length + 1)) > Number(upTo);
}
