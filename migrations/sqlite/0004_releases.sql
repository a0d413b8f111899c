-- Releases of the agent. They belong to the installation and not to a company, like the companies themselves.
create table releases (
    version text not null primary key,
    -- As they were signed, byte for byte.
    manifest text not null,
    signature text not null,
    state text not null,
    halted_because text,
    -- Shares of the fleet in percent, as a JSON list, and how long each of them lasts.
    waves text not null,
    every_seconds integer not null,
    published_at text not null,
    -- Only what agents report after this counts: whoever resumes a release has looked at what came before.
    counted_from text not null
) without rowid;

-- How each agent got on with each release it was offered.
create table agent_updates (
    tenant_id blob not null,
    agent_id blob not null,
    version text not null,
    state text not null,
    message text,
    updated_at text not null,
    primary key (tenant_id, agent_id, version),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) without rowid;
-- How a release is getting on, over all companies.
create index agent_updates_by_version on agent_updates (version, state);
