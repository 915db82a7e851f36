/**
 * Lists of very many incidents: an index for each order, and the dedup keys of alerts that came to an incident
 * from another key (by a merge), so that the key still finds it. Equality of text is leakproof, so that
 * row-level security lets an index answer; containment in an array or JSON is not.
 */
const statements = `
create table incident_alert_keys (
  account_id text not null, alert_key text not null, incident_id text not null,
  primary key (account_id, alert_key, incident_id),
  foreign key (account_id, incident_id) references incidents (account_id, id) on delete cascade
);
alter table incident_alert_keys enable row level security;
alter table incident_alert_keys force row level security;
create policy incident_alert_keys_tenant on incident_alert_keys
  using (account_id = (select current_account()))
  with check (account_id = (select current_account()));
grant select, insert, update, delete on incident_alert_keys to pdlite_app;
create index incidents_number on incidents (account_id, number, id);
create index incidents_resolved on incidents (account_id, resolved_at, id);
create index incidents_urgency
  on incidents (account_id, (case urgency when 'high' then 1 else 0 end), id);
create index incidents_low on incidents (account_id, created_at, id) where urgency = 'low';
`;

export async function up(knex) {
  await knex.raw(statements);
}

export function down() {
  throw new Error('Migrations go forward only.');
}
