-- A POS that calls out to the cloud by itself. The secret is kept as it is and not as a hash, because a signature can only
-- be checked by whoever can make it.

create table webhook_endpoints (
    tenant_id blob not null,
    pos_system_id blob not null,
    secret text not null,
    -- Until then the one before is good, too.
    previous_secret text,
    previous_until text,
    created_at text not null,
    rotated_at text,
    deactivated_at text,
    -- How many events were applied; the number of the last one.
    events integer not null,
    last_event_at text,
    last_refusal_at text,
    last_refusal text,
    primary key (tenant_id, pos_system_id),
    foreign key (tenant_id, pos_system_id) references pos_systems (tenant_id, id)
) without rowid;
-- Whoever calls does not know the tenant.
create unique index webhook_endpoints_by_id on webhook_endpoints (pos_system_id);

-- The events that were applied, so that one that is sent again is known.
create table webhook_events (
    tenant_id blob not null,
    pos_system_id blob not null,
    event_id text not null,
    event_no integer not null,
    received_at text not null,
    primary key (tenant_id, pos_system_id, event_id)
) without rowid;
create index webhook_events_by_number on webhook_events (tenant_id, pos_system_id, event_no);
