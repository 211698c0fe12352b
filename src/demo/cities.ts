/** Where the fleets live: each has its own cities, so that maps and regional figures differ between fleets. */

export interface City {
  readonly name: string;
  readonly lat: number;
  readonly lon: number;
  readonly region: string;
}

const city = (name: string, lat: number, lon: number, region: string): City => ({ name, lat, lon, region });

const EUROPE: readonly City[] = [
  city("Berlin", 52.52, 13.405, "Central Europe"),
  city("Munich", 48.1374, 11.5755, "Central Europe"),
  city("Vienna", 48.2082, 16.3738, "Central Europe"),
  city("Prague", 50.0755, 14.4378, "Central Europe"),
  city("Paris", 48.8566, 2.3522, "Western Europe"),
  city("London", 51.5074, -0.1278, "Western Europe"),
  city("Brussels", 50.8503, 4.3517, "Western Europe"),
  city("Madrid", 40.4168, -3.7038, "Southern Europe"),
  city("Milan", 45.4642, 9.19, "Southern Europe"),
  city("Warsaw", 52.2297, 21.0122, "Eastern Europe"),
];

const AMERICAS: readonly City[] = [
  city("Chicago", 41.8781, -87.6298, "US Midwest"),
  city("Minneapolis", 44.9778, -93.265, "US Midwest"),
  city("Dallas", 32.7767, -96.797, "US South"),
  city("Atlanta", 33.749, -84.388, "US South"),
  city("Denver", 39.7392, -104.9903, "US West"),
  city("Phoenix", 33.4484, -112.074, "US West"),
  city("Toronto", 43.6532, -79.3832, "Canada"),
  city("Calgary", 51.0447, -114.0719, "Canada"),
  city("Mexico City", 19.4326, -99.1332, "Latin America"),
  city("São Paulo", -23.5505, -46.6333, "Latin America"),
];

const ASIA_PACIFIC: readonly City[] = [
  city("Delhi", 28.6139, 77.209, "South Asia"),
  city("Bengaluru", 12.9716, 77.5946, "South Asia"),
  city("Pune", 18.5204, 73.8567, "South Asia"),
  city("Hyderabad", 17.385, 78.4867, "South Asia"),
  city("Tokyo", 35.6762, 139.6503, "East Asia"),
  city("Seoul", 37.5665, 126.978, "East Asia"),
  city("Taipei", 25.033, 121.5654, "East Asia"),
  city("Bangkok", 13.7563, 100.5018, "Southeast Asia"),
  city("Kuala Lumpur", 3.139, 101.6869, "Southeast Asia"),
  city("Melbourne", -37.8136, 144.9631, "Oceania"),
];

/** Cities per fleet, in the order of the fleet numbers (fleet_1 first). */
export const FLEET_CITIES: readonly (readonly City[])[] = [EUROPE, AMERICAS, ASIA_PACIFIC];

export const FLEETS = FLEET_CITIES.length;
