-- The work queue: one row per thing a person should do; task_key opens once, ever.
create table task (
  institution_id text not null,
  id text not null,
  task_key text not null,
  kind text not null,
  title_zh text not null,
  title_en text not null,
  reason_zh text not null,
  reason_en text not null,
  object text not null,
  object_id text not null,
  state text not null,
  assignee_id text not null,
  assignee_name text not null,
  role text not null,
  branch_path text not null,
  due_at bigint not null,
  opened_at bigint not null,
  opened_by text not null,
  claimed_at bigint not null,
  done_at bigint not null,
  done_by text not null,
  outcome text not null,
  note text not null,
  version bigint not null,
  primary key (institution_id, id)
);
create unique index task_key on task (institution_id, task_key);
create index task_queue on task (institution_id, state, due_at, id);
create index task_assignee on task (institution_id, assignee_id, state, due_at, id);
create index task_object on task (institution_id, object, object_id, id);

create table notification (
  institution_id text not null,
  user_id text not null,
  id text not null,
  zh text not null,
  en text not null,
  link text not null,
  at bigint not null,
  read_at bigint not null,
  primary key (institution_id, user_id, id)
);
create index notification_unread on notification (institution_id, user_id) where read_at = 0;
