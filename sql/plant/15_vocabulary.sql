-- summary: The words of the maintenance shop: what is seen, why, what is done, and to which part.
--
-- One row per system and the kinds of machine that have it, in English and in Chinese. Lists of the same
-- name agree entry by entry. Repairs and work orders both draw on them. The last file drops this helper.

CREATE OR REPLACE TABLE plant_words (
  system VARCHAR,
  kinds VARCHAR[],
  signs VARCHAR[],
  causes VARCHAR[],
  actions VARCHAR[],
  parts VARCHAR[],
  signs_zh VARCHAR[],
  causes_zh VARCHAR[],
  actions_zh VARCHAR[],
  parts_zh VARCHAR[]
);

INSERT INTO plant_words VALUES
  (
    'bearing',
    ['press', 'mill'],
    ['Vibration high', 'Grinding noise', 'Bearing running hot', 'Humming at full speed',
      'Shaft play felt by hand'],
    ['grease dried out', 'outer race pitted', 'seal worn', 'shaft out of line', 'cage broken'],
    ['Replaced', 'Changed', 'Regreased and replaced', 'Aligned and replaced'],
    ['main bearing', 'spindle bearing', 'bearing seal', 'bearing 6205'],
    ['振动偏大', '运转有异响', '轴承温度高', '高速时有嗡嗡声', '轴有松动'],
    ['润滑脂干了', '外圈点蚀', '密封磨损', '轴不对中', '保持架断裂'],
    ['更换', '已换', '清洗加脂并更换', '重新对中并更换'],
    ['主轴承', '主轴轴承', '轴承密封圈', '6205轴承']
  ),
  (
    'bearing',
    ['oven'],
    ['Fan shaking', 'Fan noisy', 'Vibration high', 'Squealing when the fan starts'],
    ['grease dried out', 'outer race pitted', 'fan out of balance', 'cage broken'],
    ['Replaced', 'Changed', 'Regreased and replaced', 'Balanced the fan, replaced'],
    ['fan bearing', 'bearing seal', 'fan shaft'],
    ['风机抖动', '风机噪音大', '振动偏大', '风机启动时尖叫'],
    ['润滑脂干了', '外圈点蚀', '风叶不平衡', '保持架断裂'],
    ['更换', '已换', '清洗加脂并更换', '做动平衡并更换'],
    ['风机轴承', '轴承密封圈', '风机轴']
  ),
  (
    'bearing',
    ['robot'],
    ['Axis 2 noisy', 'Backlash on axis 4', 'Arm trembles', 'Vibration high'],
    ['grease dried out', 'gear worn', 'bearing pitted', 'hit by a pallet last week'],
    ['Replaced', 'Changed', 'Regreased and replaced', 'Adjusted and replaced'],
    ['gearbox bearing', 'wrist bearing', 'gearbox of axis 2'],
    ['二轴有异响', '四轴间隙大', '手臂抖动', '振动偏大'],
    ['润滑脂干了', '齿轮磨损', '轴承点蚀', '上周被托盘撞过'],
    ['更换', '已换', '清洗加脂并更换', '调整并更换'],
    ['减速机轴承', '手腕轴承', '二轴减速机']
  ),
  (
    'hydraulic',
    ['press', 'mill'],
    ['Oil leak under the machine', 'Pressure dropping during hold', 'Cylinder slow', 'Pressure not reached',
      'Oil on the floor'],
    ['hose chafed', 'seal worn', 'valve sticking', 'pump worn', 'oil level low'],
    ['Replaced', 'Changed', 'Topped up oil, replaced', 'Cleaned and replaced'],
    ['hydraulic pump', 'servo valve', 'cylinder seal', 'hydraulic hose', 'pressure relief valve'],
    ['机器下面漏油', '保压时压力下降', '油缸动作慢', '压力达不到', '地面有油'],
    ['油管磨破', '密封磨损', '阀芯卡滞', '油泵磨损', '油位低'],
    ['更换', '已换', '补油并更换', '清洗并更换'],
    ['液压泵', '伺服阀', '油缸密封圈', '液压软管', '溢流阀']
  ),
  (
    'electrical',
    ['press', 'mill', 'oven', 'robot'],
    ['Drive tripped', 'Motor current too high', 'Fuse blown', 'No power after the break',
      'Smell of burning in the cabinet'],
    ['loose terminal', 'cable damaged', 'contact burnt', 'insulation low', 'fan of the drive blocked'],
    ['Replaced', 'Changed', 'Tightened terminals, replaced', 'Tested and replaced'],
    ['contactor', 'motor drive', 'encoder cable', 'power supply', 'main fuse'],
    ['变频器跳闸', '电机电流过高', '保险烧断', '休息后没有电', '电柜有焦味'],
    ['端子松动', '电缆破损', '触点烧坏', '绝缘低', '驱动器风扇堵塞'],
    ['更换', '已换', '紧固端子并更换', '测试后更换'],
    ['接触器', '电机驱动器', '编码器电缆', '开关电源', '主保险丝']
  ),
  (
    'tooling',
    ['press'],
    ['Burr on the parts', 'Surface rough', 'Part sticks', 'Dimension drifting'],
    ['die worn', 'insert chipped', 'die surface washed out', 'clamping loose'],
    ['Replaced', 'Polished die, replaced', 'Changed', 'Reset and replaced'],
    ['die insert', 'ejector pin', 'core pin'],
    ['零件有毛刺', '表面粗糙', '粘模', '尺寸跑偏'],
    ['模具磨损', '镶件崩边', '模具表面冲蚀', '夹紧松动'],
    ['更换', '抛光模具并更换', '已换', '重新调整并更换'],
    ['模具镶件', '顶针', '型芯']
  ),
  (
    'tooling',
    ['mill'],
    ['Burr on the parts', 'Surface rough', 'Chatter marks', 'Dimension drifting'],
    ['tool worn', 'insert chipped', 'wrong offset', 'clamping loose'],
    ['Replaced', 'Measured tool, replaced', 'Changed', 'Reset and replaced'],
    ['milling cutter', 'tool holder', 'spindle collet'],
    ['零件有毛刺', '表面粗糙', '有振纹', '尺寸跑偏'],
    ['刀具磨损', '刀片崩边', '刀补错误', '夹紧松动'],
    ['更换', '对刀并更换', '已换', '重新调整并更换'],
    ['铣刀', '刀柄', '主轴夹头']
  ),
  (
    'tooling',
    ['robot', 'oven'],
    ['Part slips in the gripper', 'Part dropped', 'Position off by 2 mm', 'Scratches on the parts'],
    ['jaw worn', 'rubber hard', 'screw lost', 'bent in a collision'],
    ['Replaced', 'Changed', 'Taught again, replaced', 'Adjusted and replaced'],
    ['gripper jaw', 'suction cup', 'tool changer'],
    ['夹爪打滑', '零件掉落', '位置偏2毫米', '零件有划伤'],
    ['夹爪磨损', '橡胶硬化', '螺丝丢失', '碰撞变形'],
    ['更换', '已换', '重新示教并更换', '调整并更换'],
    ['夹爪', '吸盘', '快换装置']
  ),
  (
    'cooling',
    ['press', 'mill', 'oven', 'robot'],
    ['Temperature too high', 'Overheat alarm', 'Coolant leak', 'Flow too low', 'Machine hot after one hour'],
    ['filter clogged', 'pump worn', 'scale in the pipes', 'coolant level low', 'thermostat stuck'],
    ['Replaced', 'Changed', 'Flushed and replaced', 'Topped up coolant, replaced'],
    ['coolant pump', 'coolant filter', 'heat exchanger', 'thermostat', 'coolant hose'],
    ['温度过高', '过热报警', '冷却液泄漏', '流量太低', '运行一小时后发烫'],
    ['滤芯堵塞', '水泵磨损', '管路结垢', '冷却液位低', '温控阀卡死'],
    ['更换', '已换', '冲洗并更换', '补冷却液并更换'],
    ['冷却泵', '冷却滤芯', '换热器', '温控阀', '冷却水管']
  ),
  (
    'controls',
    ['press', 'mill', 'oven', 'robot'],
    ['Lost communication', 'Sensor gives no signal', 'Screen frozen', 'Light curtain trips for no reason',
      'Sequence stops at step 12'],
    ['plug loose', 'sensor dirty', 'bus module faulty', 'parameter changed', 'reflector out of place'],
    ['Replaced', 'Cleaned', 'Restarted and checked', 'Adjusted'],
    ['proximity sensor', 'bus module', 'PLC input card', 'light curtain', 'operator panel'],
    ['通讯中断', '传感器无信号', '触摸屏死机', '光栅误报', '程序停在第12步'],
    ['接头松动', '传感器脏污', '总线模块故障', '参数被改', '反光板移位'],
    ['更换', '清洁', '重启并检查', '调整'],
    ['接近开关', '总线模块', 'PLC输入模块', '光栅', '操作面板']
  );
