-- Jobs: the truth about long work. The queue library's own row is only a token that lets run run_no
-- of a job start; lease names the one process that may write to the row while it runs.
create table job (
  institution_id text not null,
  id text not null,
  kind text not null,
  unique_key text not null,
  object text not null,
  object_id text not null,
  state text not null,
  args text not null,
  principal text not null,
  actor text not null,
  actor_name text not null,
  branch_path text not null,
  run_no bigint not null,
  river_id bigint not null,
  lease text not null,
  attempts bigint not null,
  tries bigint not null,
  cancel_requested boolean not null,
  done bigint not null,
  total bigint not null,
  rate_milli bigint not null,
  message_zh text not null,
  message_en text not null,
  errors text not null,
  error_count bigint not null,
  checkpoint text not null,
  result text not null,
  created_at bigint not null,
  scheduled_at bigint not null,
  started_at bigint not null,
  heartbeat_at bigint not null,
  finished_at bigint not null,
  primary key (institution_id, id)
);
create index job_object on job (institution_id, object, object_id, id);
create index job_live on job (institution_id, heartbeat_at) where state in ('queued', 'running', 'cancelling');
create unique index job_unique on job (institution_id, kind, unique_key) where unique_key <> '' and state in ('queued', 'running', 'cancelling');
