/**
 * Settings of the kinds of integration that have some: the SNS topic that may post to a CloudWatch one, and how
 * long a heartbeat may stay away.
 */
const statements = `
alter table integrations
  add column topic_arn text,
  add column heartbeat_timeout_sec integer
    check (heartbeat_timeout_sec between 30 and 604800);
`;

export async function up(knex) {
  await knex.raw(statements);
}

export function down() {
  throw new Error('Migrations go forward only.');
}
