-- Releases of the agent. They belong to the installation and not to a company, like the companies themselves.
create table releases (
    version text collate "C" not null primary key,
    -- As they were signed, byte for byte.
    manifest text not null,
    signature text not null,
    state text not null,
    halted_because text,
    -- Shares of the fleet in percent, as a JSON list, and how long each of them lasts.
    waves text not null,
    every_seconds bigint not null,
    published_at timestamptz not null,
    -- Only what agents report after this counts: whoever resumes a release has looked at what came before.
    counted_from timestamptz not null
);

-- How each agent got on with each release it was offered.
create table agent_updates (
    tenant_id uuid not null,
    agent_id uuid not null,
    version text collate "C" not null,
    state text not null,
    message text,
    updated_at timestamptz not null,
    primary key (tenant_id, agent_id, version),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id)
);
-- How a release is getting on, over all companies.
create index agent_updates_by_version on agent_updates (version, state);
