import type { RoleUrls } from '../../db/roles.ts';

/** The product's roles on a test server, all for one database. */
export function roleUrls(superuserUrl: string, database: string): RoleUrls {
  const as = (role: string): string => {
    const url = new URL(superuserUrl);
    url.username = role;
    url.password = 'test';
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    ownerUrl: as('pdlite_owner'),
    appUrl: as('pdlite_app'),
    directoryUrl: as('pdlite_directory'),
    intakeUrl: as('pdlite_intake'),
  };
}
