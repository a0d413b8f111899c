-- The tables of Stellar that its tills and its back office write, as the vendor made them: the columns that a store
-- fills, and some that nobody may ever read (pictures, notes). VAD10 is the back office's database, VAD20 the tills'.
CREATE DATABASE VAD10
GO
CREATE DATABASE VAD20
GO
USE VAD10
GO
CREATE TABLE dbo.MA_DEPARTAMENTOS (
    C_CODIGO nvarchar(10) NOT NULL PRIMARY KEY,
    C_DESCRIPCIO nvarchar(50) NOT NULL DEFAULT ('')
)
CREATE TABLE dbo.MA_GRUPOS (
    c_CODIGO nvarchar(10) NOT NULL,
    C_DESCRIPCIO nvarchar(50) NOT NULL DEFAULT (''),
    c_departamento nvarchar(10) NOT NULL,
    CONSTRAINT PK_MA_GRUPOS PRIMARY KEY (c_CODIGO, c_departamento)
)
CREATE TABLE dbo.MA_SUBGRUPOS (
    c_CODIGO nvarchar(10) NOT NULL,
    c_DESCRIPCIO nvarchar(50) NOT NULL DEFAULT (''),
    c_in_grupo nvarchar(10) NOT NULL,
    c_in_departamento nvarchar(10) NOT NULL,
    CONSTRAINT PK_MA_SUBGRUPOS PRIMARY KEY (c_CODIGO, c_in_grupo, c_in_departamento)
)
CREATE TABLE dbo.MA_MONEDAS (
    c_codmoneda nvarchar(10) NOT NULL PRIMARY KEY,
    c_descripcion nvarchar(50) NOT NULL DEFAULT (''),
    n_factor float NOT NULL DEFAULT (1),
    b_preferencia bit NOT NULL DEFAULT (0),
    b_activa bit NOT NULL DEFAULT (1),
    c_simbolo nvarchar(5) NOT NULL DEFAULT (''),
    n_decimales int NOT NULL DEFAULT (2),
    bUsoEnPOS bit NOT NULL DEFAULT (1)
)
CREATE TABLE dbo.MA_DEPOSITO (
    c_coddeposito nvarchar(10) NOT NULL,
    c_descripcion nvarchar(50) NOT NULL DEFAULT (''),
    c_codlocalidad nvarchar(10) NOT NULL,
    update_date datetime NOT NULL DEFAULT (0),
    add_date datetime NOT NULL DEFAULT (0),
    CONSTRAINT PK_MA_DEPOSITO PRIMARY KEY (c_coddeposito, c_codlocalidad)
)
CREATE TABLE dbo.MA_PROVEEDORES (
    c_codproveed nvarchar(50) NOT NULL PRIMARY KEY,
    c_descripcio nvarchar(255) NOT NULL DEFAULT (''),
    c_rif nvarchar(50) NOT NULL DEFAULT (''),
    n_activo int NOT NULL DEFAULT (1),
    update_date datetime NOT NULL DEFAULT (0),
    add_date datetime NOT NULL DEFAULT (0)
)
CREATE TABLE dbo.MA_CLIENTES (
    c_CODCLIENTE nvarchar(15) NOT NULL PRIMARY KEY,
    c_DESCRIPCIO nvarchar(100) NOT NULL DEFAULT (''),
    c_RIF nvarchar(20) NOT NULL DEFAULT (''),
    n_activo bit NOT NULL DEFAULT (1),
    update_date datetime NOT NULL DEFAULT (0),
    add_date datetime NOT NULL DEFAULT (0)
)
CREATE TABLE dbo.MA_PRODUCTOS (
    c_Codigo nvarchar(15) NOT NULL PRIMARY KEY,
    c_Descri nvarchar(255) NOT NULL DEFAULT (''),
    cu_Descripcion_Corta nvarchar(50) NOT NULL DEFAULT (''),
    c_Departamento nvarchar(10) NOT NULL DEFAULT (''),
    c_Grupo nvarchar(10) NOT NULL DEFAULT (''),
    c_Subgrupo nvarchar(10) NOT NULL DEFAULT (''),
    c_Marca nvarchar(50) NOT NULL DEFAULT (''),
    c_Modelo nvarchar(100) NOT NULL DEFAULT (''),
    c_Presenta nvarchar(20) NOT NULL DEFAULT (''),
    n_CostoAct float NOT NULL DEFAULT (0),
    n_CostoAnt float NOT NULL DEFAULT (0),
    n_CostoPro float NOT NULL DEFAULT (0),
    n_CostoRep float NOT NULL DEFAULT (0),
    n_Precio1 float NOT NULL DEFAULT (0),
    n_Precio2 float NOT NULL DEFAULT (0),
    n_Precio3 float NOT NULL DEFAULT (0),
    n_PrecioO float NOT NULL DEFAULT (0),
    f_Inicial datetime NOT NULL DEFAULT (0),
    f_Final datetime NOT NULL DEFAULT (0),
    h_Inicial datetime NOT NULL DEFAULT (0),
    h_Final datetime NOT NULL DEFAULT (0),
    n_Impuesto1 float NOT NULL DEFAULT (12),
    n_Impuesto2 float NOT NULL DEFAULT (0),
    n_Impuesto3 float NOT NULL DEFAULT (0),
    n_Activo int NOT NULL DEFAULT (1),
    n_TipoPeso int NOT NULL DEFAULT (0),
    c_Seriales nvarchar(1) NOT NULL DEFAULT ('0'),
    c_Compuesto int NOT NULL DEFAULT (0),
    n_CantiBul float NOT NULL DEFAULT (1),
    n_Peso float NOT NULL DEFAULT (0),
    n_Volumen float NOT NULL DEFAULT (0),
    Cant_Decimales int NOT NULL DEFAULT (0),
    c_CodMoneda nvarchar(10) NOT NULL DEFAULT ('0000000001'),
    c_CodFabricante nvarchar(15) NOT NULL DEFAULT (''),
    c_Codigo_Base nvarchar(50) NOT NULL DEFAULT (''),
    nu_StockMin float NOT NULL DEFAULT (0),
    nu_StockMax float NOT NULL DEFAULT (0),
    Add_Date datetime NOT NULL DEFAULT (getdate()),
    Update_Date datetime NOT NULL DEFAULT (5/11/70),
    c_UsuarioAdd nvarchar(50) NOT NULL DEFAULT (''),
    c_UsuarioUpd nvarchar(50) NOT NULL DEFAULT (''),
    c_FileImagen image NULL,
    c_Observacio ntext NULL,
    ID numeric(18, 0) IDENTITY(1, 1) NOT NULL
)
CREATE TABLE dbo.MA_CODIGOS (
    c_CodNasa nvarchar(15) NOT NULL,
    c_Codigo nvarchar(15) NOT NULL,
    c_Descripcion nvarchar(20) NOT NULL DEFAULT ('CODIGO MAESTRO'),
    n_Cantidad int NOT NULL DEFAULT (1),
    nu_Intercambio int NOT NULL DEFAULT (0),
    nu_TipoPrecio int NOT NULL DEFAULT (0),
    ID numeric(18, 0) IDENTITY(1, 1) NOT NULL,
    CONSTRAINT PK_MA_CODIGOS PRIMARY KEY (c_CodNasa, c_Codigo)
)
CREATE TABLE dbo.MA_DEPOPROD (
    c_coddeposito nvarchar(10) NOT NULL,
    c_codarticulo nvarchar(15) NOT NULL,
    n_cantidad float NOT NULL DEFAULT (0),
    n_cant_comprometida float NOT NULL DEFAULT (0),
    n_cant_ordenada float NOT NULL DEFAULT (0),
    ID numeric(18, 0) IDENTITY(1, 1) NOT NULL,
    CONSTRAINT PK_MA_DEPOPROD PRIMARY KEY (c_coddeposito, c_codarticulo)
)
CREATE TABLE dbo.TR_INVENTARIO (
    c_LINEA nvarchar(10) NOT NULL,
    c_CONCEPTO nvarchar(5) NOT NULL,
    c_DOCUMENTO nvarchar(15) NOT NULL,
    c_DEPOSITO nvarchar(10) NOT NULL,
    c_CODARTICULO nvarchar(15) NOT NULL,
    n_CANTIDAD float NOT NULL DEFAULT (0),
    n_COSTO float NOT NULL DEFAULT (0),
    n_SUBTOTAL float NOT NULL DEFAULT (0),
    n_IMPUESTO float NOT NULL DEFAULT (0),
    n_TOTAL float NOT NULL DEFAULT (0),
    c_TIPOMOV nvarchar(10) NOT NULL,
    f_fecha datetime NOT NULL,
    c_codlocalidad nvarchar(10) NOT NULL DEFAULT (''),
    n_factorcambio float NOT NULL DEFAULT (1),
    N_PRECIO float NOT NULL DEFAULT (0),
    id numeric(20, 0) IDENTITY(1, 1) NOT NULL,
    CONSTRAINT PK_TR_INVENTARIO PRIMARY KEY (c_LINEA, c_CONCEPTO, c_DOCUMENTO, c_DEPOSITO, c_CODARTICULO, c_TIPOMOV, c_codlocalidad)
)
CREATE UNIQUE INDEX IX_TR_INVENTARIO_ID ON dbo.TR_INVENTARIO (id)
GO
USE VAD20
GO
CREATE TABLE dbo.MA_PAGOS (
    c_Caja nvarchar(5) NOT NULL,
    c_Numero nvarchar(15) NOT NULL,
    c_Sucursal nvarchar(10) NOT NULL,
    c_Concepto nvarchar(5) NOT NULL,
    f_Fecha datetime NULL,
    f_Hora datetime NULL,
    c_Cliente nvarchar(20) NOT NULL DEFAULT (''),
    c_Rif nvarchar(15) NOT NULL DEFAULT (''),
    c_Desc_Cliente nvarchar(100) NOT NULL DEFAULT (''),
    n_Subtotal float NOT NULL DEFAULT (0),
    n_Impuesto float NOT NULL DEFAULT (0),
    n_Total float NOT NULL DEFAULT (0),
    n_BaseImp float NOT NULL DEFAULT (0),
    n_Descuento float NOT NULL DEFAULT (0),
    n_Cancelado float NOT NULL DEFAULT (0),
    n_Vuelto float NOT NULL DEFAULT (0),
    n_Productos int NOT NULL DEFAULT (0),
    c_Usuario nvarchar(50) NOT NULL DEFAULT (''),
    Turno float NOT NULL DEFAULT (0),
    cs_Documento_Rel nvarchar(50) NOT NULL DEFAULT (''),
    ID numeric(18, 0) IDENTITY(1, 1) NOT NULL,
    CONSTRAINT PK_MA_PAGOS PRIMARY KEY (c_Caja, c_Numero, c_Sucursal, c_Concepto)
)
CREATE UNIQUE INDEX IX_MA_PAGOS_ID ON dbo.MA_PAGOS (ID)
CREATE TABLE dbo.MA_TRANSACCION (
    c_Numero varchar(15) NOT NULL,
    c_Caja varchar(5) NOT NULL,
    c_Localidad varchar(10) NOT NULL,
    c_Concepto varchar(5) NOT NULL,
    Turno float NOT NULL DEFAULT (0),
    n_Linea int NULL,
    f_Fecha datetime NOT NULL,
    h_Hora datetime NULL,
    Codigo varchar(15) NOT NULL,
    Cod_Principal varchar(15) NOT NULL DEFAULT (''),
    Cantidad float NOT NULL DEFAULT (0),
    Precio float NOT NULL DEFAULT (0),
    n_PrecioReal float NOT NULL DEFAULT (0),
    Subtotal float NOT NULL DEFAULT (0),
    Impuesto float NOT NULL DEFAULT (0),
    Total float NOT NULL DEFAULT (0),
    Descuento float NOT NULL DEFAULT (0),
    n_Costo float NOT NULL DEFAULT (0),
    n_Devueltos float NOT NULL DEFAULT (0),
    Estatus int NOT NULL DEFAULT (0),
    ID numeric(10, 0) IDENTITY(1, 1) NOT NULL PRIMARY KEY
)
CREATE INDEX IX_MA_TRANSACCION ON dbo.MA_TRANSACCION (c_Caja, c_Numero, c_Localidad, c_Concepto)
CREATE TABLE dbo.MA_DETALLEPAGO (
    c_Caja nvarchar(5) NOT NULL,
    c_Factura nvarchar(50) NOT NULL,
    c_Localidad nvarchar(10) NOT NULL,
    Turno float NOT NULL DEFAULT (0),
    c_CodMoneda nvarchar(10) NOT NULL DEFAULT ('0000000001'),
    n_Factor float NOT NULL DEFAULT (1),
    c_CodDenominacion nvarchar(10) NOT NULL DEFAULT (''),
    c_Banco nvarchar(10) NOT NULL DEFAULT (''),
    c_Numero nvarchar(20) NOT NULL DEFAULT (''),
    n_Monto float NOT NULL DEFAULT (0),
    d_Fecha datetime NOT NULL,
    f_Hora datetime NULL,
    ID numeric(18, 0) IDENTITY(1, 1) NOT NULL PRIMARY KEY
)
CREATE INDEX IX_MA_DETALLEPAGO ON dbo.MA_DETALLEPAGO (c_Caja, c_Factura, c_Localidad)
GO
