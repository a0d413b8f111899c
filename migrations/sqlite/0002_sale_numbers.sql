-- Sales get a number of the cloud's own, and their lines and payments are keyed by it instead of the POS's text id: new
-- rows then go to the end of the tree. SQLite has no sequences, so one row says which number comes next; it has one
-- writer, so nobody waits for it.
create table sale_numbers (
    next integer not null
);

alter table sales add column sale_id integer not null default 0;
update sales set sale_id = numbered.number
    from (select tenant_id, pos_system_id, external_id,
              row_number() over (order by tenant_id, pos_system_id, external_id) as number from sales) numbered
    where sales.tenant_id = numbered.tenant_id and sales.pos_system_id = numbered.pos_system_id
        and sales.external_id = numbered.external_id;
insert into sale_numbers select coalesce(max(sale_id), 0) + 1 from sales;

create table numbered_sale_lines (
    tenant_id blob not null,
    sale_id integer not null,
    line_no integer not null,
    product text,
    description text,
    quantity integer not null,
    unit_price integer not null,
    discount integer,
    tax_rate integer,
    tax integer,
    total integer,
    primary key (tenant_id, sale_id, line_no)
) without rowid;
insert into numbered_sale_lines
    select l.tenant_id, s.sale_id, l.line_no, l.product, l.description, l.quantity, l.unit_price, l.discount, l.tax_rate,
        l.tax, l.total
    from sale_lines l join sales s
        on s.tenant_id = l.tenant_id and s.pos_system_id = l.pos_system_id and s.external_id = l.sale_id;
drop table sale_lines;
alter table numbered_sale_lines rename to sale_lines;

create table numbered_sale_payments (
    tenant_id blob not null,
    sale_id integer not null,
    payment_no integer not null,
    method text not null,
    amount integer not null,
    currency text,
    exchange_rate integer,
    reference text,
    primary key (tenant_id, sale_id, payment_no)
) without rowid;
insert into numbered_sale_payments
    select p.tenant_id, s.sale_id, p.payment_no, p.method, p.amount, p.currency, p.exchange_rate, p.reference
    from sale_payments p join sales s
        on s.tenant_id = p.tenant_id and s.pos_system_id = p.pos_system_id and s.external_id = p.sale_id;
drop table sale_payments;
alter table numbered_sale_payments rename to sale_payments;
