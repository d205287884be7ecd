-- summary: Who ships what where at the least cost: flows over lanes that supply, demand and limits allow (HiGHS).
-- supply: what is there: a source with the place and a number; with several goods their column, too
-- demand: what is needed: a source with the place and a number, and the goods
-- cost: the lanes: a source with both places, named as in supply and demand, and the cost of a unit; other columns may stand in limits
-- subject_to: a list of limits (a bound that is NULL is none), each a comparison that is linear in quantity (what a lane carries of one of the goods) or in lane_capacity (what it carries of all): ['lane_capacity <= 400', 'quantity <= most', 'sum(quantity * kg) OVER (PARTITION BY plant) <= 20000', 'sum(quantity) FILTER (WHERE depot = ''north'') >= 50']
-- options: 'available', 'needed', 'price' the columns of numbers of supply, demand and cost where names don't tell (of lanes it is the only one whose name holds cost, price, rate or freight); 'fixed' a column of what a lane costs to be used at all; 'whole': true for whole numbers, needs rounded up; 'unmet' what a unit costs that is not delivered (default: all has to be)
-- columns: the columns of the lanes that are used (no BLOB), the goods, quantity, total_cost (a lane's fixed cost with its first row), status; of what is not delivered a row without a lane
-- example: FROM ml_allocate(supply := 'depot_stock', demand := 'depot_needs', cost := 'lanes', subject_to := ['lane_capacity <= 400'])
CREATE OR REPLACE MACRO ml_allocate(supply := NULL, demand := NULL, cost := NULL, subject_to := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('allocate', {'supply': supply, 'demand': demand, 'cost': cost, 'subject_to': subject_to, 'options': options,
    'place': [current_database(), current_schema()]}));
