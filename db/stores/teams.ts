import type { Team } from '../../domain/model.ts';
import type { Page, PageOf } from '../read/incidents.ts';
import { countRows, createTable, type Trx } from './table.ts';

export const teams = createTable<Team, Team>({
  name: 'teams',
  search: ['name'],
  orderBy: 'name',
  toItem: (row) => ({ id: row.id, name: row.name, description: row.description }),
  toRow: (team) => ({ name: team.name, description: team.description }),
});

export type TeamRole = 'manager' | 'responder' | 'observer';

export interface TeamMember {
  readonly userId: string;
  readonly userName: string;
  readonly role: TeamRole;
}

/** Adds the user to the team, or changes the role that they have there. */
export async function putMember(
  trx: Trx,
  accountId: string,
  member: { readonly teamId: string; readonly userId: string; readonly role: TeamRole },
): Promise<void> {
  await trx('team_members')
    .insert({
      account_id: accountId,
      team_id: member.teamId,
      user_id: member.userId,
      role: member.role,
    })
    .onConflict(['account_id', 'team_id', 'user_id'])
    .merge(['role']);
}

/** Whether the user was a member. */
export async function removeMember(trx: Trx, teamId: string, userId: string): Promise<boolean> {
  return (await trx('team_members').where({ team_id: teamId, user_id: userId }).delete()) > 0;
}

export async function listMembers(
  trx: Trx,
  teamId: string,
  page: Page,
): Promise<PageOf<TeamMember>> {
  const rows: TeamMember[] = await trx('team_members as m')
    .join('users as u', 'u.id', 'm.user_id')
    .where('m.team_id', teamId)
    .orderBy([{ column: 'u.name' }, { column: 'u.id' }])
    .limit(page.limit + 1)
    .offset(page.offset)
    .select('u.id as userId', 'u.name as userName', 'm.role as role');
  const total = page.total ? await countRows(trx('team_members').where({ team_id: teamId })) : null;
  return { items: rows.slice(0, page.limit), more: rows.length > page.limit, total };
}

/** Users of any of these teams. */
export async function memberIds(trx: Trx, teamIds: readonly string[]): Promise<readonly string[]> {
  const rows: unknown = await trx('team_members').whereIn('team_id', teamIds).distinct('user_id');
  return (rows as readonly { readonly user_id: string }[]).map((row) => row.user_id);
}
