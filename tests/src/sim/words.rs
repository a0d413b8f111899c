//! What a Venezuelan supermarket sells, in its own words. Brands are invented.

/// Whether a product pays IVA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iva {
    /// 16 %.
    General,
    /// Basic food.
    Exempt,
}

/// How a product is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// By the piece.
    Piece,
    /// By weight, with three digits.
    Kilogram,
}

/// A kind of product: what it is called, how it is sold, what it costs in US cents.
pub struct Kind {
    /// As on the shelf label.
    pub name: &'static str,
    /// Sizes it comes in; none for goods sold by weight.
    pub sizes: &'static [&'static str],
    /// Cheapest and dearest cost of the middle size, US cents.
    pub cost: (i64, i64),
    /// Its tax.
    pub iva: Iva,
    /// How it is counted.
    pub unit: Unit,
}

/// A department and what it sells.
pub struct Department {
    /// As in the POS.
    pub name: &'static str,
    /// Its kinds of product.
    pub kinds: &'static [Kind],
}

const fn piece(
    name: &'static str,
    sizes: &'static [&'static str],
    cost: (i64, i64),
    iva: Iva,
) -> Kind {
    Kind {
        name,
        sizes,
        cost,
        iva,
        unit: Unit::Piece,
    }
}

const fn weighed(name: &'static str, cost: (i64, i64)) -> Kind {
    Kind {
        name,
        sizes: &[],
        cost,
        iva: Iva::Exempt,
        unit: Unit::Kilogram,
    }
}

use Iva::{Exempt, General};

const KILO: &[&str] = &["500 g", "900 g", "1 kg", "2 kg"];
const LITRE: &[&str] = &["250 ml", "500 ml", "1 L", "1,5 L", "2 L"];
const SMALL: &[&str] = &["40 g", "90 g", "150 g", "250 g", "400 g"];

/// The departments.
pub const DEPARTMENTS: &[Department] = &[
    Department {
        name: "Víveres",
        kinds: &[
            piece("Harina de maíz precocida", KILO, (70, 140), Exempt),
            piece("Arroz tipo I", KILO, (80, 160), Exempt),
            piece("Pasta larga", KILO, (90, 190), Exempt),
            piece("Azúcar refinada", KILO, (85, 150), Exempt),
            piece("Café molido", SMALL, (180, 520), Exempt),
            piece("Caraotas negras", KILO, (110, 230), Exempt),
            piece("Atún en aceite", SMALL, (120, 260), General),
            piece("Mayonesa", SMALL, (110, 340), General),
            piece("Salsa de ají dulce", SMALL, (80, 210), General),
            piece("Aceite de maíz", LITRE, (220, 480), General),
            piece("Ñame en conserva", SMALL, (130, 280), General),
        ],
    },
    Department {
        name: "Lácteos y Charcutería",
        kinds: &[
            weighed("Queso blanco duro", (420, 780)),
            weighed("Queso guayanés", (460, 820)),
            weighed("Jamón de pierna", (510, 940)),
            weighed("Salchichón", (380, 690)),
            piece("Leche completa", LITRE, (110, 190), Exempt),
            piece("Yogur de durazno", SMALL, (70, 180), General),
            piece("Mantequilla con sal", SMALL, (150, 380), General),
            piece("Natilla", SMALL, (120, 240), General),
        ],
    },
    Department {
        name: "Frutas y Hortalizas",
        kinds: &[
            weighed("Plátano maduro", (60, 130)),
            weighed("Cambur manzano", (55, 120)),
            weighed("Piña", (80, 150)),
            weighed("Limón criollo", (90, 210)),
            weighed("Ají dulce margariteño", (180, 420)),
            weighed("Ñame", (70, 160)),
            weighed("Auyama", (40, 95)),
        ],
    },
    Department {
        name: "Carnicería y Pescadería",
        kinds: &[
            weighed("Carne de res para guisar", (480, 760)),
            weighed("Pollo entero", (240, 390)),
            weighed("Chuleta ahumada", (450, 720)),
            weighed("Sardina fresca", (120, 240)),
            weighed("Pargo", (590, 980)),
        ],
    },
    Department {
        name: "Panadería",
        kinds: &[
            piece("Pan campesino", SMALL, (60, 180), Exempt),
            piece("Pan de jamón", KILO, (650, 1400), General),
            piece("Cachito de jamón", SMALL, (70, 150), General),
            piece("Golfeado", SMALL, (80, 170), General),
            piece("Galleta de avena y maní", SMALL, (60, 210), General),
        ],
    },
    Department {
        name: "Bebidas",
        kinds: &[
            piece("Malta", LITRE, (60, 170), General),
            piece("Refresco de colita", LITRE, (70, 190), General),
            piece("Jugo de parchita", LITRE, (90, 230), General),
            piece("Agua mineral", LITRE, (40, 110), Exempt),
            piece("Papelón con limón", LITRE, (80, 180), General),
            piece("Té frío de durazno", LITRE, (80, 190), General),
        ],
    },
    Department {
        name: "Licores",
        kinds: &[
            piece(
                "Ron añejo",
                &["350 ml", "700 ml", "1 L"],
                (480, 1900),
                General,
            ),
            piece(
                "Cerveza tipo pilsén",
                &["222 ml", "300 ml", "6 × 222 ml"],
                (60, 480),
                General,
            ),
            piece(
                "Cocuy artesanal",
                &["350 ml", "700 ml"],
                (520, 1500),
                General,
            ),
            piece("Ponche crema", &["375 ml", "750 ml"], (430, 900), General),
        ],
    },
    Department {
        name: "Limpieza",
        kinds: &[
            piece("Detergente en polvo", KILO, (130, 390), General),
            piece("Jabón azul en panela", SMALL, (50, 120), Exempt),
            piece("Cloro", LITRE, (70, 160), General),
            piece("Desinfectante de piñón", LITRE, (110, 240), General),
            piece(
                "Esponja de doble acción",
                &["1 und", "3 und", "6 und"],
                (40, 170),
                General,
            ),
        ],
    },
    Department {
        name: "Cuidado Personal",
        kinds: &[
            piece("Champú de sábila", LITRE, (240, 620), General),
            piece("Crema dental", SMALL, (110, 330), General),
            piece("Desodorante", SMALL, (160, 410), General),
            piece(
                "Pañal desechable talla M",
                &["18 und", "30 und", "48 und"],
                (480, 1300),
                Exempt,
            ),
            piece(
                "Papel higiénico",
                &["4 rollos", "12 rollos"],
                (160, 540),
                Exempt,
            ),
        ],
    },
    Department {
        name: "Ferretería y Hogar",
        kinds: &[
            piece("Bombillo LED 9 W", &["1 und", "3 und"], (110, 320), General),
            piece(
                "Tornillo autorroscante ½\"",
                &["25 und", "100 und"],
                (90, 380),
                General,
            ),
            piece("Sábana matrimonial", &["1 juego"], (980, 2600), General),
            piece("Olla de presión", &["4 L", "6 L"], (1900, 4800), General),
        ],
    },
    Department {
        name: "Mascotas",
        kinds: &[
            piece("Alimento para perro adulto", KILO, (190, 620), General),
            piece("Alimento para gato", KILO, (220, 680), General),
            piece("Arena sanitaria", KILO, (180, 420), General),
        ],
    },
];

/// Brands. None of them exists.
pub const BRANDS: &[&str] = &[
    "La Guacharaca",
    "Doña Tomasa",
    "El Araguaney",
    "Mi Conuco",
    "Río Caroní",
    "Peñón del Este",
    "San Benito",
    "Don Ñico",
    "La Cuajada",
    "Sierra Fría",
    "Turpial",
    "Maizal",
    "Los Médanos",
    "Caney",
    "Mañanita",
    "Orquídea",
    "El Tinajero",
    "Yaracuy Verde",
    "Güiria",
    "Pico Alto",
    "La Totuma",
    "Cardón",
    "Morichal",
    "Abuela Chéa",
    "Cumbe",
    "Tepuy",
    "Sol de Coro",
    "La Piragua",
    "Añil",
    "Ávila & Hijos",
];

/// Words that tell variants of a product apart.
pub const VARIANTS: &[&str] = &[
    "",
    "",
    "",
    "clásico",
    "light",
    "sin sal",
    "integral",
    "extra",
    "económico",
    "edición 'La Esquina'",
    "½ precio",
    "premium",
    "criollo",
    "dietético",
    "familiar",
    "rústico",
    "añejado",
    "orgánico",
];

/// Suppliers; their RIF follows from the name's place.
pub const SUPPLIERS: &[&str] = &[
    "Distribuidora El Samán, C.A.",
    "Alimentos Tío Chucho, C.A.",
    "Comercializadora Peñaranda, S.R.L.",
    "Lácteos Páramo Alto, C.A.",
    "Inversiones Núñez & Güerere, C.A.",
    "Granos del Guárico, C.A.",
    "Importadora Mar Caribe, S.A.",
    "Frigorífico Los Andes, C.A.",
    "Licorería Mayorista Ánfora, C.A.",
    "Químicos de Oriente, C.A.",
    "Panificadora La Espiga, S.R.L.",
    "Agropecuaria Ño Simón, C.A.",
];

/// Given names.
pub const GIVEN_NAMES: &[&str] = &[
    "María José",
    "José Ángel",
    "Yusmary",
    "Íngrid",
    "Ramón",
    "Génesis",
    "Andrés",
    "Nelly",
    "Jesús",
    "Begoña",
    "Óscar",
    "Yolímar",
    "Iñaki",
    "Mercedes",
    "Héctor",
    "Zoraida",
    "Luis Raúl",
    "Anaís",
];

/// Family names.
pub const FAMILY_NAMES: &[&str] = &[
    "Núñez",
    "Pérez",
    "Güerere",
    "Rondón",
    "Ibáñez",
    "Chacín",
    "Urdaneta",
    "Peñaloza",
    "Márquez",
    "Briceño",
    "Zambrano",
    "Áñez",
    "Colmenárez",
    "Muñoz",
    "Belisario",
    "Toro",
    "Yépez",
    "Cedeño",
];
